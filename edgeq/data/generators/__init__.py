"""Made-up data for examples: seeded, and said to be made up wherever they are listed."""
