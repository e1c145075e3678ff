"""Many contacts' records as numpy reads them; apart, since most commands look at none."""

import numpy as np

from dialer.store.record import FIELDS

RECORD_TYPE = np.dtype([(name, column) for name, _, column in FIELDS])
