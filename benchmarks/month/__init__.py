"""A month of the demo's world in simulated time, through the real store, jobs and sandbox: `make month`."""
