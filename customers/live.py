"""What the customer stream shows to whom. Registered with crm.live when the app starts."""
