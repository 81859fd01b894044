"""The demo memory: the history of crewed spaceflight to the Moon, in the interchange format."""
