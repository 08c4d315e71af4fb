"""Takes as other programs want them: films, stills, EXR for compositors, cameras for trackers. Marked by default."""
