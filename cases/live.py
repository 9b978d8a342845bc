"""What the case and queue streams show to whom. Registered with crm.live when the app starts."""
