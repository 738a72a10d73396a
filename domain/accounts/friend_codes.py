"""Friend codes: eight characters that a person can read aloud; knows no account."""

import secrets

LENGTH = 8
# No 0 and O, no 1, I and L, no U beside V: nothing that looks like something else. 30 ** 8 = 6.6e11 codes.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_friend_code() -> str:
    """A random code; whether it is taken, the database's unique constraint knows."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def normalise(code: str) -> str:
    """A code as a person may type it (blanks, dashes, small letters) in its stored form."""
    return "".join(character for character in code.upper() if character.isalnum())
