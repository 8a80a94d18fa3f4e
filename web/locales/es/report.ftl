# El informe de una evaluación.
