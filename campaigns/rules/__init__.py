"""Every rule of a campaign, declared once: by subject, as `CampaignRules` puts them together."""
