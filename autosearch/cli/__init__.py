"""The program `autosearch`: `app.py` lists its commands."""
