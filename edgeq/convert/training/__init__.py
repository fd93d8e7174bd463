"""Child side: what changes a Keras 3 model by training. Keras and TensorFlow live here."""
