"""How many examples a property is shown: more in a run at night, which sets MEMORY_GATEWAY_TEST_EXAMPLES."""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("MEMORY_GATEWAY_TEST_EXAMPLES") or 300)

PROFILE = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
