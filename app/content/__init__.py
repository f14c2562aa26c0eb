"""What files are: types, clean pictures, the length of sounds. Knows nothing of the app."""
