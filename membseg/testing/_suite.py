"""Every check of the suite, by name."""

import inspect
from collections.abc import Callable
from typing import Any

from sklearn.utils import estimator_checks

from membseg.testing import (
    _fit_checks,
    _input_checks,
    _label_checks,
    _parameter_checks,
    _prediction_checks,
    _state_checks,
)

Check = Callable[[str, Any], None]

#: scikit-learn's own checks that never call fit, and so do not mind that X holds images.
SKLEARN_CHECKS: dict[str, Check] = {
    name: getattr(estimator_checks, name)
    for name in (
        "check_estimator_cloneable",
        "check_estimator_tags_renamed",
        "check_valid_tag_types",
        "check_estimator_repr",
        "check_no_attributes_set_in_init",
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_mixin_order",
        "check_parameters_default_constructible",
        "check_get_params_invariance",
        "check_set_params",
    )
}


def _checks_in(module: Any) -> dict[str, Check]:
    return {
        name: check
        for name, check in vars(module).items()
        if name.startswith("check_") and inspect.getmodule(check) is module
    }


#: Our own: what can go wrong before any training first, then what most else depends on.
OWN_CHECKS: dict[str, Check] = {
    name: check
    for module in (
        _parameter_checks,
        _fit_checks,
        _prediction_checks,
        _input_checks,
        _label_checks,
        _state_checks,
    )
    for name, check in _checks_in(module).items()
}

ALL_CHECKS: dict[str, Check] = SKLEARN_CHECKS | OWN_CHECKS
