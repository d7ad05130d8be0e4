"""What explains a run while it runs: the tracer that stops at the first value that is not finite."""

from .anomaly import AnomalyError as AnomalyError
from .anomaly import debug as debug
from .anomaly import detect_anomaly as detect_anomaly
from .anomaly import is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled
from .anomaly import is_anomaly_enabled as is_anomaly_enabled
from .anomaly import set_anomaly_enabled as set_anomaly_enabled
from .anomaly import set_detect_anomaly as set_detect_anomaly
