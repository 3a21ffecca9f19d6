# SPDX-License-Identifier: Apache-2.0
"""The groups of tests: each module has a function that returns (name, function) pairs."""
from .cgroups import cgroups
from .checks import checks
from .command import command
from .conformance import conformance
from .deterministic import deterministic
from .erlang import erlang
from .freezer import freezer
from .fuzz import fuzz
from .inside import inside
from .integration import integration
from .native import native
from .schedsim import schedsim
from .security import security
from .seeing import seeing
from .trace import trace
from .unit import unit
from .vm import vm

__all__ = ["cgroups", "checks", "command", "conformance", "deterministic", "erlang", "freezer", "fuzz", "inside", "integration", "native", "schedsim", "security", "seeing", "trace", "unit", "vm"]
