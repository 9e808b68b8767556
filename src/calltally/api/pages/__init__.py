"""What browsers are sent: pages, scripts, styles and pictures of our own."""
