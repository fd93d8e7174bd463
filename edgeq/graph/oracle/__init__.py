"""An int8 graph computed in numpy, bit-exact with TensorFlow Lite Micro."""
