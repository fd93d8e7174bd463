/* The names of the kernels. Each library gives them its own prefix: several go into one program. */
