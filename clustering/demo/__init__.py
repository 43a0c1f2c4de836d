"""Made-up customers, files of customers, and a PostgreSQL server that comes as a wheel."""
