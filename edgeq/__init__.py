"""edgeq: from a TensorFlow/Keras model to a measured microcontroller."""

__version__ = "0.1.0"
