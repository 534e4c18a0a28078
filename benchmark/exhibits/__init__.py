"""Tables and figures as data (TOML -> cells -> runs), and the data sets and weights that runs need."""
