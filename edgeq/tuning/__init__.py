"""The search for the cheapest model that meets the limits of a board."""
