"""Power meters in Python: each speaks its maker's wire format, and misbehaves on demand."""
