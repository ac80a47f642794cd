"""From a legacy system to raw_<system>: specs, readers for each kind of source, guards, and the load."""
