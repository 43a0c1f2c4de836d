"""Made-up customers, and files of customers."""
