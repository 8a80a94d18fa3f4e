# Lo que se sabe del vuelo y las versiones de una respuesta que se sigue.

known-at = Lo que se sabía a las { $time } del { $day }
not-learned = Las probabilidades de arriba no lo tienen en cuenta: el modelo que las calculó se entrenó sin datos del momento.

late-by =
    { $minutes ->
        [one] con { $minutes } minuto de retraso
       *[other] con { $minutes } minutos de retraso
    }
early-by =
    { $minutes ->
        [one] con { $minutes } minuto de adelanto
       *[other] con { $minutes } minutos de adelanto
    }
late-not = puntual
on-average = { $lateness } en promedio

state-left = salió { $lateness }
state-arrived = llegó { $lateness }
state-cancelled = cancelado
state-diverted = desviado a otro aeropuerto
flight-left = El vuelo ha salido { $lateness }.
flight-arrived = El vuelo ha llegado { $lateness }.
flight-cancelled = El vuelo está cancelado.
flight-diverted = El vuelo se desvía a otro aeropuerto.

plane-comes = El avión llega con el vuelo { $flight } procedente de { $airport }
plane-usually-comes = El avión suele llegar con el vuelo { $flight } procedente de { $airport }
plane-cancelled = { $plane }, que está cancelado.
plane-diverted = { $plane }, que se desvía a otro aeropuerto.
plane-arrived = { $plane }, que ha llegado a las { $time }, { $lateness }{ $ground }.
plane-departed = { $plane }, que está en camino: llegada a las { $time }, { $lateness }{ $ground }.
plane-scheduled = { $plane }, que aún no ha salido y se espera a las { $time }{ $ground }.
plane-ground = ; le quedan { $minutes } en tierra
plane-ground-least = ; le quedan { $minutes } en tierra, y la aerolínea suele necesitar al menos { $least }
plane-after = ; eso es { $minutes } después de la hora de salida

hour-departures =
    { $count ->
        [one] En la hora anterior salió { $count } vuelo de { $airport }, { $lateness }
       *[other] En la hora anterior salieron { $count } vuelos de { $airport }, { $lateness }
    }
hour-no-departure = En la hora anterior no salió ningún vuelo de { $airport }
hour-cancelled =
    { $count ->
        [one] ; se canceló { $count }
       *[other] ; se cancelaron { $count }
    }
hour-overdue =
    { $count ->
        [one] ; { $count } debería haber salido y no lo ha hecho
       *[other] ; { $count } deberían haber salido y no lo han hecho
    }
hour-arrivals =
    { $count ->
        [one] A { $airport } llegó { $count } vuelo, { $lateness }.
       *[other] A { $airport } llegaron { $count } vuelos, { $lateness }.
    }
record =
    { $count ->
        [one] En su último día este vuelo llegó { $lateness }.
       *[other] En sus últimos { $count } días este vuelo llegó { $lateness }.
    }

followed = Seguimiento
follow-starting = El seguimiento comienza.
follow-on = Esta página se actualiza sola hasta que el vuelo haya llegado, durante un día como máximo.
follow-ended = El seguimiento ha terminado.
follow-refused = Este vuelo no se sigue: { $reason }.
follow-earlier = Esta es la versión { $version }, no la última.
follow-older =
    { $count ->
        [one] { $count } anterior
       *[other] { $count } anteriores
    }
follow-version = Versión { $version }
follow-no-forecast = sin previsión en minutos
