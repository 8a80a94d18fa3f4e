# Textos de todas las páginas: números y fechas, el marco, las clases de retraso.

minutes =
    { $minutes ->
        [one] { $minutes } minuto
       *[other] { $minutes } minutos
    }

day = { $day } de { month-name } de { $year }
day-of-year = { $day }~de { month-name }
long-day = { weekday-name }, { $day } de { month-name } de { $year }
month = { month-name } de { $year }
month-name =
    { $month ->
        [1] enero
        [2] febrero
        [3] marzo
        [4] abril
        [5] mayo
        [6] junio
        [7] julio
        [8] agosto
        [9] septiembre
        [10] octubre
        [11] noviembre
       *[12] diciembre
    }
weekday-name =
    { $weekday ->
        [1] lunes
        [2] martes
        [3] miércoles
        [4] jueves
        [5] viernes
        [6] sábado
       *[7] domingo
    }

# Los títulos de las páginas, como en la pestaña del navegador.
title-predict = ¿Cuánto se retrasará este vuelo?
title-regress = ¿Cuántos minutos de retraso?
title-bulk = Varios vuelos a la vez
title-batch = Consulta para el lote diario
title-batch-results = Respuestas de un lote
title-airlines = Aerolíneas
title-airline = Aerolínea
title-airplanes = Aviones
title-airplane = Avión
title-flight-search = Vuelos
title-route-day = Vuelos de un día
title-flight-record = Vuelo
title-total-flights = Vuelos por mes
title-delays = Retrasos
title-operations = Operaciones
title-dataflow = Flujo de datos
title-dead-letters = Mensajes sin respuesta
title-error = Algo ha fallado en nuestro sistema
title-report = Evaluación

# La navegación y el pie de página.
nav-history = Historial
nav-operations = Operaciones
footer = Es una previsión basada en vuelos anteriores, no una promesa. Sobre el vuelo en sí, consulte a su aerolínea.

# Las clases de retraso.
class-early = más de 15 minutos antes de lo previsto
class-slightly-early = hasta 15 minutos antes de lo previsto
class-slightly-late = puntual o con menos de 30 minutos de retraso
class-very-late = con 30 minutos de retraso o más

# Palabras breves de varias páginas.
route-to = a
from-to = { $origin } a { $dest }
on-time = puntual
min-late = { $minutes }~min de retraso
min-early = { $minutes }~min de adelanto
flight-name = Vuelo { $flight }

distance-miles = { $number }~millas
distance-km = { $number }~km
