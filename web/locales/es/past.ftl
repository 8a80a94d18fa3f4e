# Vuelos del historial junto a una respuesta y los demás vuelos de la ruta.

past-heading = En el pasado
past-says = Según { $source }:
past-source = { $count } { $flights }, del { $first } al { $last }
flights-from-new-york = vuelos desde Nueva York
flights-imported = vuelos importados
past-like = Vuelos como el suyo
past-number = Número
past-punctual = <~30~min de retraso
past-arrivals = Llegadas
past-flight = { $flight } en esta ruta
past-airline-route = { $airline }, esta ruta
past-route = { $origin } a { $dest }, todas las aerolíneas
past-airline = { $airline }, todas las rutas
past-hour = { $airport } de { $from } a { $to }
past-none-of-either = Ninguno es de { $airline } y ninguno va de { $origin } a { $dest }.
past-none-of-airline = Ninguno es de { $airline }.
past-none-of-route = Ninguno va de { $origin } a { $dest }.
past-not-on-route = { $airline } no volaba entonces de { $origin } a { $dest }.
past-old = El último es { $years } años anterior a su vuelo: desde entonces han cambiado las aerolíneas y los horarios.

others-heading =
    { $weekday ->
        [6] Otros vuelos de los sábados
        [7] Otros vuelos de los domingos
       *[other] Otros vuelos de los { weekday-name }
    }
others-source = De los { $flights }: { $origin } a { $dest }, del { $first } al { $last }, todos los días.
others-order = Primero, los que menos se retrasan.
others-flight = Vuelo
others-landed = Aterrizajes
others-late = ≥~30~min de retraso
others-yours = (el suyo)
more-not-shown =
    { $count ->
        [one] No se muestra { $count } más.
       *[other] No se muestran { $count } más.
    }
others-few = Los vuelos que aterrizaron menos de { $least } veces no se clasifican.
others-chance = Las diferencias pequeñas se deben al azar.
