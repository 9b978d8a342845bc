"""Brightwave, the demo company: a broadband and mobile provider, the same from every seed."""
