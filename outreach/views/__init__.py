"""What people see and do: a view finds, asks, shows."""
