"""What every room shares: errors, records, units, files, processes. Imports no other room."""
