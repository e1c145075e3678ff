-- Let dialling go on that the provider's refusal had stopped.
-- KEYS 1  prefix
-- GIVEN   Resume in dialer/store/account.py
-- Returns 1 when it was stopped.

return resume_account(given.why) and 1 or 0
