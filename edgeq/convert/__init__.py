"""Keras, SavedModel and float .tflite to full-integer int8; TensorFlow runs in a child process."""
