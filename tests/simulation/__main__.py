"""Simulates a day of a thousand instances, or what SIMULATION_INSTANCES, _HOURS and so on name; prints its figures."""

import logging
import sys

import conftest  # noqa: F401 - makes the simulation importable
import structlog
from simulation import plan_of_environment, run

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
report = run(plan_of_environment())
print("\n".join(report.lines()))
sys.exit(0 if report.is_right else 1)
