"""What TensorFlow Lite Micro allocates: its structures, its kernels, CMSIS-NN's scratch buffers."""
