"""What visitors do with the token of a link: nobody is logged in."""
