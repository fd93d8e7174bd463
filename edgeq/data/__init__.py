"""Dataset manifests to representative and evaluation samples."""
