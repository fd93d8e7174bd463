"""From a float graph to integers: schemes, calibration, recovery, assembly. numpy alone."""
