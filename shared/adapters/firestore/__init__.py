"""The store on Google Cloud."""
