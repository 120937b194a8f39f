"""How troubles happen: each module makes one kind of trouble come true in the model."""
