# SPDX-License-Identifier: Apache-2.0
"""All of Python's own regression tests that the project names, whole, each module alone (`make check-python`): see programs.py."""
from .programs import Place, python_test

MODULES = ["test_os", "test_posix", "test_subprocess", "test_threading", "test_signal", "test_mmap", "test_fcntl", "test_select",
           "test_epoll", "test_poll", "test_socket", "test_ssl", "test_asyncio", "test_multiprocessing_fork", "test_multiprocessing_spawn",
           "test_multiprocessing_forkserver", "test_multiprocessing_main_handling", "test_shutil", "test_tempfile", "test_pty", "test_time",
           "test_selectors", "test_eintr", "test_io"]


def python(context):
    place = Place(context)
    return [(name[5:], python_test(context, place, [name], 1, 2400)) for name in MODULES]
