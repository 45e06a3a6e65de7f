select 1;;
;; -- x
;
select
	2 ;select 3 ; /* 
 ; */ ;;select 4