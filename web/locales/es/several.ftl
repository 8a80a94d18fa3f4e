# Consultas sobre muchos vuelos: el lote de un día y los archivos.

batch-heading = Consulta para el lote diario
batch-intro = Su consulta se guarda hasta el final del día (UTC) y se responde junto con todas las demás de ese día.
batch-ask-now = Consultar y recibir la respuesta ahora
batch-today = Las consultas de hoy

batch-name = Lote
batch-title = El lote del { $day }
batch-waiting =
    { $count ->
        [one] Hay una consulta a la espera del lote de este día, que se procesa después de medianoche (UTC). Para procesarlo ahora:
       *[other] Hay { $count } consultas a la espera del lote de este día, que se procesa después de medianoche (UTC). Para procesarlo ahora:
    }
batch-empty = Aún no hay respuestas a las consultas del { $day }.
batch-answers = Respuestas
batch-departs-on = Día de salida
batch-answer = Respuesta
batch-asked = Consultado (UTC)

bulk-heading = Varios vuelos a la vez
bulk-intro = Envíe una tabla de vuelos y recíbala con una respuesta en cada fila.
bulk-ask-one = Consultar un solo vuelo
bulk-file = Un archivo CSV o NDJSON
bulk-limits = Como máximo, { $rows } filas y { $mib } MiB
bulk-answered = Filas respondidas
bulk-save = Guardar las respuestas
bulk-table = La tabla
bulk-columns = La primera línea de un archivo CSV da nombre a sus columnas. Se leen estas, en cualquier orden y sin distinguir mayúsculas:
bulk-other-columns = Las demás columnas se conservan. <code>Flight</code> admite lo mismo que el campo de la primera página.
bulk-example = Delta de JFK a ATL
bulk-example-number = B6 915
bulk-ndjson = NDJSON tiene en cada línea un objeto con los mismos nombres. Una fila que no se puede consultar indica el motivo y no detiene a las demás.
# El programa de la página sustituye los nombres entre llaves por números.
bulk-sending = Enviando el archivo…
bulk-broken = Se ha interrumpido la conexión. Vuelva a enviar el archivo.
bulk-progress = { $answered } de { $rows } filas
bulk-done = { $rows } filas
bulk-failed = { $rows } filas; { $failed } sin respuesta
