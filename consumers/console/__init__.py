"""The web page that this server shows to a person who opens its address in a browser."""
