select U&'\0441;\+000441\\' , U&'d!0061t;!!' uescape '!', u&'''';
select U&"d\0061;t" , U&"d@0061;""@@" UESCAPE '@' as u&";" from t;
select U & 'a;', u& "b;" from t;
