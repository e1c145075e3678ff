"""Phone numbers as the provider compares and prints them."""


def last_ten(number: str) -> str:
    """What makes two spellings the same phone: the last ten digits."""
    return number[-10:]


def printed(number: str) -> str:
    """The national form in which every number comes back, whatever was sent."""
    return f"0{last_ten(number)}"
