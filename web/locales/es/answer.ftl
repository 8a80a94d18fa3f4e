# Una respuesta: el titular, el vuelo, la previsión, el mapa y los motivos.

headline-soon = { $chance }: menos de 30~minutos de retraso
headline-late = { $chance }: 30~minutos de retraso o más
headline-class = Lo más probable: { $class }
headline-unknown = Hay una respuesta, pero su clase no es ninguna de las que conocemos

scheduled = previsto de { $departs } a { $arrives }, hora local
before-departure = Antes de la salida
left-late = Salió con { $minutes } de retraso
left-early = Salió con { $minutes } de adelanto
left-on-time = Salió puntual

less-sure = Menos seguro de lo habitual: { $remark }.
remark-carrier = los datos de entrenamiento no tienen vuelos de esta aerolínea
remark-origin = los datos de entrenamiento no tienen vuelos desde el aeropuerto de salida
remark-dest = los datos de entrenamiento no tienen vuelos al aeropuerto de llegada
remark-distance = se desconoce la distancia de esta ruta

chances-label = Las probabilidades de las cuatro respuestas, una junto a otra; la lista de abajo dice lo mismo
earlier = antes
later = después
model = Modelo

# La previsión en minutos.
expect-none = no se prevé retraso
expect-late =
    { $minutes ->
        [one] se prevé { $minutes }~minuto de retraso
       *[other] se prevén { $minutes }~minutos de retraso
    }
expect-early =
    { $minutes ->
        [one] se prevé { $minutes }~minuto de adelanto
       *[other] se prevén { $minutes }~minutos de adelanto
    }
forecast = { $expect }: ocho de cada diez vuelos así llegan { $range }. El { $quarter } llega con 15~minutos de retraso o más; el { $hour }, con una hora o más.
forecast-short = { $expect } ({ $quarter } de probabilidad de 15 o más)
range-early-late = entre { $from } antes y { $to } después de lo previsto
range-early = entre { $from } y { $to } antes de lo previsto
range-late = entre { $from } y { $to } después de lo previsto
range-from-schedule = entre la hora prevista y { $to } después
range-to-schedule = entre { $from } antes y la hora prevista
cancellation = El { $share } de los vuelos así se cancela.

# El mapa.
map-distance = { $distance } de { $origin } a { $dest }
map-route = de { $origin } a { $dest }
map-label = Mapa del trayecto de { $origin } a { $dest }
map-label-inbound = Mapa del trayecto de { $origin } a { $dest }; el avión viene de { $inbound }
map-inbound = el avión viene de { $airport }
map-dashed = ; línea discontinua: { $inbound }

# Los motivos.
why = Por qué
why-base-soon = De todos los vuelos, el { $share } aterriza con menos de 30 minutos de retraso.
why-base-late = De todos los vuelos, el { $share } aterriza con 30 minutos de retraso o más.
why-overdue-soon = De los vuelos que ya deberían haber salido, el { $share } aterriza con menos de 30 minutos de retraso.
why-overdue-late = De los vuelos que ya deberían haber salido, el { $share } aterriza con 30 minutos de retraso o más.
why-raises = { $subject } aumenta la probabilidad del { $from } al { $to }.
why-lowers = { $subject } reduce la probabilidad del { $from } al { $to }.
why-others = Todo lo demás
why-delay = El retraso en la salida
why-delay-late = El retraso de { $minutes } en la salida
why-delay-early = La salida con { $minutes } de adelanto
why-delay-none = La salida puntual
why-inbound = El trayecto del avión hasta el aeropuerto
why-inbound-ground = Que el avión llegue { $lateness } y disponga de { $minutes } en tierra
why-inbound-late = Que el avión llegue { $lateness }, pasada la hora de salida,
why-origin-now = Lo que ocurre ahora en el aeropuerto
why-dest-now = Lo que ocurre ahora en el destino
why-airport-now = Lo que ocurre ahora en { $airport }
why-carriers-now = La situación actual de las aerolíneas
why-record = El historial del vuelo en los últimos días
why-as-of = El tiempo que falta para la salida
why-schedule = El horario
why-weather = La meteorología
why-weather-at = La meteorología en { $airport }
why-carrier = La aerolínea
why-carrier-name = Volar con { $airline }
why-number = El número de vuelo
why-number-is = El número de vuelo { $number }
why-route = La ruta
why-route-is = La ruta de { $origin } a { $dest }
why-origin = El aeropuerto de salida
why-origin-is = Salir de { $airport }
why-dest = El aeropuerto de llegada
why-dest-is = Llegar a { $airport }
why-distance = La distancia
why-distance-is = La distancia de { $distance }
why-weekday = El día de la semana
why-weekday-is = Volar en { weekday-name }
why-season = La época del año
