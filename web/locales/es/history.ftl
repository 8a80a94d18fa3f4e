# Las páginas del historial.

sections-label = Historial
section-airlines = Aerolíneas
section-aircraft = Aviones
section-flights = Vuelos
section-months = Meses
section-delays = Retrasos

card-flights = Vuelos
card-punctual = Con menos de 30 minutos de retraso
card-mean = Retraso medio de llegada, en minutos
card-cancelled = Cancelados

column-airline = Aerolínea
column-flights = Vuelos
column-mean = Media, min
column-mean-delay = Retraso medio, min
column-cancelled = Cancelados
column-aircraft = Aviones
column-month = Mes
column-share = Proporción
column-arrival = Llegada
column-departure = Salida
column-route = Ruta
column-flight = Vuelo
column-departs = Salida
column-arrived = Llegada
column-date = Fecha
column-tail = Matrícula
column-manufacturer = Fabricante
column-model = Modelo
column-built = Año
column-seats = Asientos
column-engine = Motor
as-table = En forma de tabla
search = Buscar
found = Resultados
all-its-flights = Todos sus vuelos

outcome-cancelled = cancelado
outcome-diverted = desviado
outcome-unknown = desconocido

paging-label = Páginas de resultados
paging-shown = { $first } a { $last } de { $total }
paging-none = Ninguno de { $total } a partir de aquí
previous = Anterior
next = Siguiente
paging-cut = La lista termina aquí. Acote la búsqueda para ver los demás.
days-label = Días
day-before = El día anterior
day-after = El día siguiente

chart-hour = { $hour }~h
chart-number = { $number }
chart-thousands = { $number }~mil
chart-millions = { $number }~M
chart-counts = { $what }: { $counts }
chart-classes = { $what }: proporción de las clases de retraso; { $class }: { $shares }
chart-months = Vuelos por mes
chart-hours = Vuelos por hora de salida
chart-manufacturers = Aviones por fabricante
chart-others =
    { $count ->
        [one] { $count } más
       *[other] Otros { $count }
    }

airlines-history = El historial: { $name }, del { $first } al { $last }.
airlines-heading = Flota y puntualidad

airline-history =
    { $routes ->
        [one] En el historial del { $first } al { $last }, en { $routes } ruta.
       *[other] En el historial del { $first } al { $last }, en { $routes } rutas.
    }
airline-months = Llegadas por mes
airline-hours = Llegadas por hora de salida
airline-routes = Rutas con más vuelos
airline-fleet =
    { $count ->
        [one] Flota: { $count } avión
       *[other] Flota: { $count } aviones
    }
airline-tails = Todas las matrículas que volaron para la aerolínea, por modelo.
airline-list = En forma de lista
airline-unregistered = No consta en el registro

aircraft-name = Avión { $tail }
aircraft-unregistered = Esta matrícula no consta en nuestro registro.
aircraft-facts = Datos
aircraft-flew-for = Voló para
aircraft-flights = Sus vuelos, del más reciente al más antiguo
aircraft-built = Año de fabricación
aircraft-kind = Tipo
aircraft-seats = Asientos
aircraft-engines = Motores
aircraft-engine = Motor

aircraft-intro = Las matrículas del historial, con los datos del registro de la FAA.
aircraft-manufacturers = Fabricantes
aircraft-without =
    { $count ->
        [one] Sin { $count } avión que no consta en nuestro registro.
       *[other] Sin los { $count } aviones que no constan en nuestro registro.
    }
aircraft-all = Todos los aviones
aircraft-not-searched = Nuestro registro no contiene { $fact }: no se ha tenido en cuenta en la búsqueda.
aircraft-none = Ningún avión del historial cumple todas estas condiciones.
fact-owner = el propietario
fact-owner-state = el estado del propietario
fact-serial = el número de serie
fact-engine-manufacturer = el fabricante del motor
fact-engine-model = el modelo del motor

search-intro = Todos los vuelos del historial, del { $first } al { $last }, por orden de salida.
search-number = Número de vuelo
search-origin = Origen
search-dest = Destino
search-date = Fecha
search-all = Todos los vuelos
search-none = Ningún vuelo del historial cumple todas estas condiciones.

route-other-way = El sentido contrario
route-flights =
    { $count ->
        [one] { $count } vuelo
       *[other] { $count } vuelos
    }
route-history = La ruta en todo el historial
route-title = { $origin } a { $dest }, { $day }

record-other-days = Otros días de este vuelo
record-outcome = Resultado
record-flown = Realizado
record-cancelled = Cancelado
record-diverted = Desviado: aterrizó en otro aeropuerto
record-scheduled-departure = Salida prevista
record-departure = Salida
record-scheduled-arrival = Llegada prevista
record-arrival = Llegada
record-air-time = En el aire
record-distance = Distancia
record-aircraft = Avión
record-minutes = { $minutes }~min

months-intro = Todos los vuelos programados del historial, con los que se cancelaron. Como datos:
months-heading = Meses

delays-intro = Con cuánto retraso llegaron los vuelos del historial.
delays-all = Todas las llegadas
delays-months = Por mes
delays-hours = Por hora prevista de salida
delays-airlines = Por aerolínea
delays-hour = de { $from } a { $to }
