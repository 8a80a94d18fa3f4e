# Los motivos por los que no se atiende una petición y la página que los muestra.

error-status = Error { $status }
error-history = Ir al historial
error-form = Volver al formulario

problem-not-found = Esta página no existe
problem-misdirected = Esta página no está aquí con ese nombre
problem-method = Esta página no se puede consultar así
problem-login = Hay que iniciar sesión
problem-forbidden = Esto no se muestra aquí
problem-too-many = Demasiadas consultas
problem-unavailable = Ahora mismo no podemos responder
problem-unread = No hemos podido leer los datos
problem-preparing = Se está preparando el historial
problem-no-history = El historial no está disponible
problem-no-airline = Aerolínea no encontrada
problem-no-aircraft = Avión no encontrado
problem-no-flight = Vuelo no encontrado
problem-no-route = Ruta no encontrada
problem-no-flights = No hay vuelos ese día

reason-not-found = no hay nada en esta dirección
reason-method = esta dirección solo admite { $methods }
reason-host = se necesita un único Host, como en Host: localhost:5001
reason-host-known = esta página responde a { $known }; para otro nombre, inicie delaycast con --host y ese nombre
reason-too-late = no hay respuesta después de { $seconds } s. Puede que aún llegue: búsquela más tarde por su identificador
reason-no-minutes = el modelo que responde no da minutos; `delaycast train` crea uno que sí los da
reason-closed = las operaciones no se muestran a otros equipos. Inicie delaycast con --operations-login ARCHIVO
reason-login = para ver las operaciones hay que iniciar sesión
reason-too-many = hay demasiadas consultas desde su dirección. Vuelva a consultar dentro de { $seconds }~s
reason-preparing = se están ordenando y contando los vuelos: { $percent }~% completado
reason-no-history = no se ha podido preparar el historial. El registro de delaycast indica el motivo
reason-defect = se ha producido un error en nuestro sistema; ha quedado registrado
reason-log = el registro de consultas no responde. Puede que la consulta llegue de todos modos; para asegurarse, busque su respuesta o vuelva a consultar
reason-history = el historial no responde a tiempo. Vuelva a consultar
reason-batches = el almacén de respuestas no responde. Si ha hecho una consulta para el lote, repítala: una consulta guardada dos veces se responde dos veces
reason-waiters = hay demasiados clientes a la espera de respuesta. Vuelva a consultar, o consulte sin esperar
reason-store = el almacén de respuestas no responde. Vuelva a consultar
reason-store-later = el almacén de respuestas no responde. La consulta está registrada; busque su respuesta más tarde
reason-files = se están respondiendo varios archivos. Vuelva a enviar el suyo dentro de un minuto
reason-no-airline = el historial no tiene ningún vuelo de esta aerolínea
reason-no-aircraft = el historial no tiene ningún vuelo de este avión
reason-no-flight = no hay ningún vuelo { $flight } el { $day } en el historial, que va del { $first } al { $last }
reason-no-flights = no hay ningún vuelo de { $origin } a { $dest } el { $day }. El historial va del { $first } al { $last }
reason-no-route = el historial no tiene ningún vuelo entre estos dos aeropuertos en este sentido

# Los errores de los campos.
missing = falta este dato
twice = aparece dos veces
unknown-airline = no conocemos la aerolínea { $typed }; elija una de la lista, como AA
unknown-airport = no conocemos el aeropuerto { $typed }; elija uno de la lista, como ATL
not-minutes = { $typed } no es un número de minutos, como 5 o -3
not-time = { $typed } no es una hora, como 14:30
not-truth = debe ser true o false
not-date = debe ser una fecha del calendario, como 2016-12-25
wrong-year = el año debe estar entre { $first } y { $last }
not-decimal = { $typed } no es un número, como 23 o 0.1
wrong-units = debe ser metric o imperial
wrong-range = debe estar entre { $least } y { $most }
wrong-delay = debe estar entre { $least } y { $most } minutos
same-airport = debe ser distinto del origen
number-too-long = debe tener como máximo { $bytes } bytes
wrong-id = debe tener entre 1 y { $bytes } bytes
not-count = debe ser un recuento
not-number = debe ser un número
phrase-too-long = tiene más de { $bytes } bytes
phrase-unknown = no conocemos ninguna aerolínea, aeropuerto, ciudad, día u hora en { $words }
and = { $one } y { $other }
several-legs = este número de vuelo tiene varios trayectos ese día; elija uno
several-airports = { $place } tiene varios aeropuertos; elija uno
leg-choice = { $origin } a { $dest }
leg-choice-at = { $origin } a { $dest }, { $time }
unknown-departure = ningún vuelo del historial sale de allí hacia esa hora, así que no se conoce su llegada; no indique la hora
unknown-number = no está entre los vuelos de los que hemos aprendido: indique de dónde a dónde va

# Los errores de una consulta sobre el historial.
not-code = no es un código, como AA, ATL o N14228
not-day = debe ser una fecha, como 2013-07-04
not-flight-number = debe ser un número hasta { $most }, sin la aerolínea
not-year = debe ser un año, como 1999
not-start = debe ser el número de resultados que se omiten, { $most } como máximo
wrong-number = debe ser un número entre { $least } y { $most }
wrong-length = debe tener de 1 a { $most } caracteres
too-many-bytes = tiene más de { $bytes } bytes

# Los errores de un cuerpo, una consulta o una ruta.
wrong-content-type = debe ser application/x-www-form-urlencoded, multipart/form-data o application/json
broken-off = se ha interrumpido: { $error }
too-slow = no ha llegado en { $within }
not-utf8-at = no es UTF-8 en el byte { $byte }
not-utf8 = no es UTF-8
not-utf8-decoded = no es UTF-8 una vez descodificados sus %
lone-percent = tiene un % al que no siguen dos cifras hexadecimales
not-multipart = no es un formulario multipart: { $error }
not-object = no es un objeto JSON: { $error }
not-scalar = debe ser un texto o un número

# Los errores de un archivo.
file-empty = no contiene consultas
file-too-long = tiene más de { $most } consultas: divídalo
file-not-csv = no es CSV: { $error }
file-no-column = no tiene ninguna columna conocida en su primera línea: { $names }
file-column-twice = tiene dos veces la columna { $name }
