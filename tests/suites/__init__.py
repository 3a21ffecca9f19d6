# SPDX-License-Identifier: Apache-2.0
"""The groups of tests: tests/run.py imports the module of each group by its name."""
