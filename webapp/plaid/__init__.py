"""The gateway to Plaid. Knows Plaid, knows neither Flask nor our models."""
