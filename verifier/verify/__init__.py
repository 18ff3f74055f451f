"""The checker of certificates: reads IR, rules and link tables, and shares no code with the solver."""
